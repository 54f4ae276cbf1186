import { openStage } from './stage.ts'
import { utterance } from './rows/utterance.ts'
const stage = await openStage()
try {
  console.log(JSON.stringify(await utterance.measure({ full: false, stage, tell: (l) => console.log(l) }), null, 1))
} finally { await stage.close() }
