// Preloaded into a process whose clock shall be off: SKEW_MS is added to what Date says.
const skew = Number(process.env.SKEW_MS ?? 0)
const RealDate = Date
globalThis.Date = class extends RealDate {
  constructor(...parts) {
    if (parts.length === 0) super(RealDate.now() + skew)
    else super(...parts)
  }
  static now() {
    return RealDate.now() + skew
  }
}
