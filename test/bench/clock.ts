/** Milliseconds on the clock that all processes of one machine share (CLOCK_MONOTONIC). */
export const sharedNow = (): number => Number(process.hrtime.bigint()) / 1e6
