/** WebRTC's voice activity detector (libfvad) in WebAssembly; the package brings no types. */
declare module '@echogarden/fvad-wasm' {
  interface Fvad {
    /** May be replaced when the memory grows: read it at each use. */
    readonly HEAP16: Int16Array
    readonly _malloc: (bytes: number) => number
    /** An instance, 0 if there is no memory. */
    readonly _fvad_new: () => number
    readonly _fvad_free: (instance: number) => void
    /** 0 (least aggressive about calling audio silence) to 3; -1 if it is none of these. */
    readonly _fvad_set_mode: (instance: number, mode: number) => number
    /** 8000, 16000, 32000 or 48000 Hz; -1 for any other. */
    readonly _fvad_set_sample_rate: (instance: number, sampleRate: number) => number
    /** 1 speech, 0 silence, -1 for a frame that is not 10, 20 or 30 ms. */
    readonly _fvad_process: (instance: number, frame: number, samples: number) => number
  }
  export default function load(): Promise<Fvad>
}
