import { join } from 'node:path'
import koffi from 'koffi'

/** The rate of the audio the model was trained on, in Hz. */
export const MODEL_RATE = 16_000

/** Where Debian's `pocketsphinx-en-us` lies. */
export const EN_US = '/usr/share/pocketsphinx/model/en-us'

/**
 * One whole utterance at `MODEL_RATE` to its words: lower case, no punctuation, '' if none. One at a
 * time; the work is done beside the main thread.
 */
export type Decode = (samples: Int16Array) => Promise<string>

const options = (model: string): readonly string[] => [
  ...['-hmm', join(model, 'en-us')],
  ...['-lm', join(model, 'en-us.lm.bin')],
  ...['-dict', join(model, 'cmudict-en-us.dict')],
  // The second search pass costs a fifth of the time and brings no accuracy.
  ...['-fwdflat', 'no'],
  ...['-logfn', '/dev/null'],
]

/** Loads the native library and a model into this process; throws if either is not there. */
export function loadDecoder(model: string): Decode {
  const pocketsphinx = koffi.load('libpocketsphinx.so.3')
  const sphinxbase = koffi.load('libsphinxbase.so.3')
  const psArgs = pocketsphinx.func('void *ps_args()')
  const parse = sphinxbase.func('void *cmd_ln_parse_r(void *, void *, int, const char **, int)')
  const init = pocketsphinx.func('void *ps_init(void *)')
  const startUtterance = pocketsphinx.func('int ps_start_utt(void *)')
  const endUtterance = pocketsphinx.func('int ps_end_utt(void *)')
  const processRaw = pocketsphinx.func(
    'int ps_process_raw(void *, const int16_t *, size_t, int no_search, int full_utt)',
  )
  const hypothesis = pocketsphinx.func('const char *ps_get_hyp(void *, void *)')

  const args = options(model)
  const decoder: unknown = init(parse(null, psArgs(), args.length, args, 1))
  if (decoder === null) throw new Error(`PocketSphinx cannot load the model in ${model}`)
  // All at once: the cepstral mean is then that of this utterance, not a running one.
  const search = (samples: Int16Array): Promise<number> =>
    new Promise((resolve, reject) => {
      const done = (error: Error | null, frames: number): void =>
        error ? reject(error) : resolve(frames)
      processRaw.async(decoder, samples, samples.length, 0, 1, done)
    })
  return async (samples) => {
    const started = startUtterance(decoder)
    const searched = await search(samples)
    const ended = endUtterance(decoder)
    if (Math.min(started, searched, ended) < 0)
      throw new Error('PocketSphinx refused the utterance')
    const words: unknown = hypothesis(decoder, null)
    return typeof words === 'string' ? words : ''
  }
}
