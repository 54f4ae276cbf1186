import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

export interface Process {
  readonly pid: number
  readonly parent: number
  /** As in /proc: R runs, S sleeps, T is stopped, Z is dead but not yet waited for. */
  readonly state: string
  readonly command: string
}

function readProcess(pid: number): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name, in brackets, may hold anything.
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    return { pid, parent: Number(parent), state, command }
  } catch {
    return undefined
  }
}

/** Whether it runs: what is dead but not waited for does not. */
export function isRunning(pid: number): boolean {
  const process = readProcess(pid)
  return process !== undefined && process.state !== 'Z'
}

/** Whether it is using the processor right now. */
export const isBusy = (pid: number): boolean => readProcess(pid)?.state === 'R'

/** The running processes below `pid`, at any depth, whose command line contains `part`. */
export function descendantsOf(pid: number, part = ''): readonly Process[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
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
