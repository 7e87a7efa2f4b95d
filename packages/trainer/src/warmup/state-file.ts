/**
 * The state of a warm-up as one `.safetensors` file, which is the old one or the whole new one at any moment: vectors
 * `parameters`, `first`, `second` and two counts, the steps of the run and of the optimizer.
 */
import { readSafetensors, writeSafetensors } from '@evolmm/safetensors'
import { EvolmmError } from '../errors'
import type { WarmupState } from './warmup'

/** Throws `UNWRITABLE_FILE`. */
export async function saveWarmup(file: string, { step, parameters, optimizer }: WarmupState): Promise<void> {
  const { first, second } = optimizer
  const vectors = { parameters, first, second, steps: Float32Array.of(step, optimizer.step) }
  await writeSafetensors(
    file,
    Object.entries(vectors).map(([name, values]) => ({ name, shape: [values.length], values })),
  )
}

/** Throws what reading throws, or `INVALID_STATE` for a file that holds something else. */
export async function loadWarmup(file: string): Promise<WarmupState> {
  const tensors = await readSafetensors(file)
  const [parameters, first, second, steps] = ['parameters', 'first', 'second', 'steps'].map((name) => {
    const values = tensors.get(name)?.data
    if (values === undefined) throw invalid(file, `the vector ${name}`, 'none')
    return values
  })
  if (steps.length !== 2) throw invalid(file, 'two counts', String(steps.length))
  if (first.length !== parameters.length || second.length !== parameters.length)
    throw invalid(
      file,
      'vectors of one length',
      [parameters, first, second].map(({ length }) => length).join(', '),
    )
  return { step: steps[0], parameters, optimizer: { step: steps[1], first, second } }
}

function invalid(file: string, rule: string, got: string): EvolmmError {
  return new EvolmmError(
    'INVALID_STATE',
    `${file}: must hold ${rule} of a warm-up, got ${got}; delete it to begin anew`,
    { details: { file } },
  )
}
