import { readFileSync } from 'node:fs'

const PAGE_MB = 4096 / 2 ** 20

/**
 * Memory that a process and all below it hold now, MB. 0 for one that is gone, and wherever there is no
 * `/proc` to read: nothing is known there, and nobody is blamed.
 */
export function residentMB(pid: number): number {
  try {
    const [, pages] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    const below =
      children === '' ? [] : children.split(' ').map((child) => residentMB(Number(child)))
    return below.reduce((sum, each) => sum + each, Number(pages) * PAGE_MB)
  } catch {
    return 0
  }
}
