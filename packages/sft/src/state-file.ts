/**
 * The state of a loop as one `.safetensors` file, which is the old one or the whole new one at any moment: vectors
 * `parameters`, `first`, `second` and two counts, the steps of the loop and of the optimizer.
 */
import { checkObject, checkText, findNotFinite } from '@evolmm/internal'
import { readSafetensors, writeSafetensors } from '@evolmm/safetensors'
import { EvolmmError } from './errors'
import type { SftState } from './sft-steps'

/** Throws `UNWRITABLE_FILE`. */
export async function saveState(file: string, state: SftState): Promise<void> {
  checkText('file', file)
  checkObject('state', state)
  const { step, parameters, optimizer } = state
  checkObject('state.optimizer', optimizer)
  const { first, second } = optimizer
  const vectors = { parameters, first, second, steps: Float32Array.of(step, optimizer.step) }
  await writeSafetensors(
    file,
    Object.entries(vectors).map(([name, values]) => ({ name, shape: [values.length], values })),
  )
}

/** Throws what reading throws, or `INVALID_STATE` for a file that holds something else. */
export async function loadState(file: string): Promise<SftState> {
  checkText('file', file)
  const tensors = await readSafetensors(file)
  const [parameters, first, second, steps] = ['parameters', 'first', 'second', 'steps'].map((name) => {
    const values = tensors.get(name)?.data
    if (values === undefined) throw invalid(file, `the vector ${name}`, 'none')
    return values
  })
  if (steps.length !== 2 || !steps.every((count) => Number.isSafeInteger(count) && count >= 0))
    throw invalid(file, 'two counts', `[${[...steps.subarray(0, 5)].join(', ')}]`)
  if (first.length !== parameters.length || second.length !== parameters.length)
    throw invalid(
      file,
      'vectors of one length',
      [parameters, first, second].map(({ length }) => length).join(', '),
    )
  if ([parameters, first, second].some((values) => findNotFinite(values) !== -1))
    throw invalid(file, 'finite numbers', 'others')
  if (second.some((value) => value < 0)) throw invalid(file, 'second moments of 0 or more', 'a negative one')
  return { step: steps[0], parameters, optimizer: { step: steps[1], first, second } }
}

function invalid(file: string, rule: string, got: string): EvolmmError {
  return new EvolmmError(
    'INVALID_STATE',
    `${file}: must hold ${rule} of supervised learning, got ${got}; delete it to begin anew`,
    { details: { file } },
  )
}
