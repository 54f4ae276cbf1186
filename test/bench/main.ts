import { openStage } from './stage.ts'
import { utterance } from './rows/utterance.ts'
import { ingest } from './rows/ingest.ts'
const rows = [utterance, ingest].filter(r => process.argv.length < 3 || process.argv.includes(r.name))
for (const row of rows) {
const stage = await openStage()
try {
  console.log(JSON.stringify(await row.measure({ full: false, stage, tell: (l) => console.log(l) }), null, 1))
} finally { await stage.close() }
}
process.exit(0)
