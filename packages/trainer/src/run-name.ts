/** The name of a run that was given none: the last part of the model's name and the time in seconds. */
import type { EvolmmValues } from './settings/settings'

export function runName(config: Pick<EvolmmValues, 'run_name' | 'solver_model'>, now = Date.now()): string {
  const model = config.solver_model
    .replace(/@[^@/]*$/, '')
    .split(/[/\\]/)
    .findLast((part) => !/^\.*$/.test(part))
  return config.run_name ?? `${model ?? 'model'}_${Math.floor(now / 1000)}`
}
