/** A process that logs iterations until it is killed, and says which ones are safe. Arguments: folder, start step. */
import { runLog } from '../../src'
import { entry, record, sampleKind } from './entries'

const [folder = '', start = '0'] = process.argv.slice(2)
const startStep = Number(start)
const log = runLog(sampleKind)
await log.start({ name: 'run', folder, config: {}, totalSteps: Infinity, startStep, probe: null })
for (let step = startStep + 1; ; step++) {
  await log.log(entry(step, record(step, { parts: 2 })))
  if (step % 3 !== 0) continue
  await log.flush()
  process.send?.(step)
}
