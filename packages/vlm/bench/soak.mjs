/**
 * Resident memory over 500 iterations of encoding, sampling, learning and AdamW: pnpm bench:vlm-soak
 *
 * The allocators of a process settle in its first thousand iterations or so (it grows from 160 to 190 MB and stays
 * there), so 1,500 go before. Then the last 250 may grow by 4 MB: 16 KB an iteration, less than the tensors of a single
 * layer.
 */
import { fileURLToPath } from 'node:url'
import { memory, openLoop } from '../test/support/training-loop.ts'
import { warmUp, iterations, every, bound } from './soak.json'

const loop = await openLoop(fileURLToPath(new URL('../test/fixtures/qwen2_5_vl-tiny/', import.meta.url)))
for (let i = 1; i <= warmUp; i++) await loop.step(i)
const readings = []
for (let i = 1; i <= iterations; i++) {
  await loop.step(warmUp + i)
  if (i % every !== 0) continue
  const { resident, held } = await memory()
  readings.push(resident)
  console.log(
    `iteration ${i}: ${(resident / 1e6).toFixed(1)} MB resident, ${(held / 1e6).toFixed(1)} held by JavaScript`,
  )
}
await loop.close()

const growth = readings.at(-1) - readings[iterations / 2 / every - 1]
console.log(
  `growth over the last ${iterations / 2}: ${(growth / 1e6).toFixed(2)} MB, at most ${bound / 1e6} MB`,
)
if (!(growth <= bound)) process.exitCode = 1
