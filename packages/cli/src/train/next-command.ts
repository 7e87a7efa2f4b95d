/** What can be done with a run that ended, as a command that a shell takes as it is. */
import { join } from 'node:path'
import { shellWord } from '@evolmm/internal'
import { modelRows, pixelRows } from '@evolmm/settings'
import type { EvolmmSettings } from '@evolmm/trainer'

export interface EndedRun {
  settings: EvolmmSettings
  folder: string
  step: number
  /** The path of an image to ask about. */
  image: string
}

/** The command that asks the solver of the newest checkpoint about an image. */
export function nextCommand({ settings, folder, step, image }: EndedRun): string {
  const checkpoint = join(folder, `step_${String(step).padStart(5, '0')}`)
  const { use_lora_solver: isAdapter, solver_model: model } = settings
  const words = isAdapter
    ? ['infer', '--model', model, ...same(settings), '--adapter', checkpoint]
    : ['generate', '--model', join(checkpoint, 'solver'), ...same(settings)]
  const about = ['--image', image, isAdapter ? '--question' : '--prompt', 'What does the picture show?']
  return ['evolmm', ...words, ...about].map(shellWord).join(' ')
}

/** Settings of the run that its model is opened with, where a command would take others by itself. */
function same(settings: EvolmmSettings): string[] {
  const given = new Map<string, unknown>(Object.entries(settings))
  return Object.entries({ ...modelRows, ...pixelRows }).flatMap(([name, { default: otherwise }]) => {
    // A run has no setting that is called model.
    const value = given.get(name)
    const isOther = (typeof value === 'string' || typeof value === 'number') && value !== otherwise
    // The folder of a full model has no revisions.
    return isOther && (name !== 'revision' || settings.use_lora_solver) ? [`--${name}`, String(value)] : []
  })
}
