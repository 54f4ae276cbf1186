import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

export interface Process {
  readonly pid: number
  readonly parent: number
  /** As in /proc: R runs, S sleeps, T is stopped, Z is dead but not yet waited for. */
  readonly state: string
  readonly command: string
}

function readProcess(path: string): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${path}/stat`, 'utf8')
    // The name, in brackets, may hold anything.
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const command = readFileSync(`/proc/${path}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    return { pid: Number(path), parent: Number(parent), state, command }
  } catch {
    return undefined
  }
}

/** Whether it runs: what is dead but not waited for does not. */
export function isRunning(pid: number): boolean {
  const process = readProcess(String(pid))
  return process !== undefined && process.state !== 'Z'
}

/** Whether one of its threads is using the processor right now. */
export function isBusy(pid: number): boolean {
  try {
    const threads = readdirSync(`/proc/${pid}/task`)
    return threads.some((thread) => readProcess(`${pid}/task/${thread}`)?.state === 'R')
  } catch {
    return false
  }
}

/** The running processes below `pid`, at any depth, whose command line contains `part`. */
export function descendantsOf(pid: number, part = ''): readonly Process[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(readProcess)
    .filter((each): each is Process => each !== undefined && each.state !== 'Z')
  const below = (parent: number): Process[] =>
    all.filter((each) => each.parent === parent).flatMap((each) => [each, ...below(each.pid)])
  return below(pid).filter(({ command }) => command.includes(part))
}

/** Pids of the running processes whose working directory is `folder` or lies below it. */
export function processesIn(folder: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isRunning(Number(name)))
    .filter((name) => {
      try {
        const at = readlinkSync(`/proc/${name}/cwd`)
        return at === folder || at.startsWith(`${folder}/`)
      } catch {
        return false
      }
    })
    .map(Number)
}
