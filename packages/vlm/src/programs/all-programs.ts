/** The programs of a model, by the names under which they are exported and planned. */
import type { Graph } from '@evolmm/onnx'
import { encodeProgram } from './encode-program'
import { learnProgram, type LearnProgramOptions } from './learn-program'
import { sampleProgram } from './sample-program'
import { streamProgram } from './stream-program'
import { hasValueHead } from './trainable'

export type ProgramName = 'encode' | 'sample' | 'stream' | 'score' | 'gradient'

export type AllProgramsOptions = Pick<LearnProgramOptions, 'backbone' | 'files' | 'trainable'> & {
  /**
   * True makes `score` and `gradient` compute the divergence from the base policy. @default true if anything is
   * trained
   */
  kl?: boolean | undefined
  /** True makes `gradient` compute each block anew in the backward pass. @default false */
  checkpointed?: boolean | undefined
}

/**
 * `encode` unless the model is of text alone, `sample`, `stream`, `score` and, if anything is trained, `gradient`; each is
 * built when it is its turn.
 */
export function* allPrograms(options: AllProgramsOptions): Generator<[ProgramName, Graph]> {
  const { backbone, files, trainable, checkpointed = false } = options
  const kl = trainable !== undefined && !hasValueHead(trainable) && (options.kl ?? true)
  const pixels = trainable?.vision ?? false
  const common = { backbone, files, trainable }
  const { vision } = backbone
  if (vision) yield ['encode', encodeProgram({ vision, files, ...(pixels && { trainable }) })]
  yield ['sample', sampleProgram(common)]
  yield ['stream', streamProgram(common)]
  yield ['score', learnProgram({ ...common, gradient: false, kl, pixels })]
  if (trainable) yield ['gradient', learnProgram({ ...common, gradient: true, kl, pixels, checkpointed })]
}
