/**
 * Parameters per second of one AdamW step with clipping, beside what copying the same bytes costs in the same run.
 * A step moves 32 bytes per parameter: it reads the gradient twice, and reads and writes the parameters and the two
 * moments. A copy moves 8 bytes per element (4 read, 4 written), so four copies are the same traffic.
 *
 *   pnpm bench:adamw [SIZE...]
 */
import { AdamW, drawAt, fillUniform } from '@evolmm/rl-core'
import { runs, sizes as defaultSizes } from './adamw.json'

const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : defaultSizes

/** Median milliseconds of `work`, after two calls to warm up. */
function median(work) {
  const times = []
  for (let run = -2; run < runs; run++) {
    const start = performance.now()
    work()
    if (run >= 0) times.push(performance.now() - start)
  }
  return times.sort((a, b) => a - b)[runs >> 1]
}

console.log('parameters   step ms   Mparameters/s   same bytes copied ms   step / copy')
for (const size of sizes) {
  // 65,536 draws, repeated: distinct enough for the branch-free loop, and quick to make.
  const noise = new Float32Array(65_536)
  const { key, counter } = drawAt({ seed: 1 })
  fillUniform(noise, key, counter)
  const gradient = Float32Array.from({ length: size }, (_, i) => noise[i & 65_535] - 0.5)
  const parameters = gradient.slice()
  const optimizer = new AdamW({ size, lr: 1e-6, clip: 1 })
  const step = median(() => optimizer.step(parameters, gradient))
  const target = new Float32Array(size)
  const copy = median(() => {
    for (let k = 0; k < 4; k++) target.set(gradient)
  })
  console.log(
    [
      size.toExponential(0).padStart(10),
      step.toFixed(2).padStart(9),
      (size / step / 1e3).toFixed(0).padStart(15),
      copy.toFixed(2).padStart(22),
      (step / copy).toFixed(1).padStart(13),
    ].join(''),
  )
}
