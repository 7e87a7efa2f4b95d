/** The schema of every command that has settings. */
import { evalSettings } from '@evolmm/eval'
import { sftSettings } from '@evolmm/sft'
import { evolmmSettings } from '@evolmm/trainer'
import { exportSettings } from '../../src/commands/export'
import { generateSettings } from '../../src/commands/generate'
import { inferSettings } from '../../src/commands/infer'
import { reportSettings } from '../../src/commands/report'
import { scoreSettings } from '../../src/commands/score'
import { syncSettings } from '../../src/commands/sync'

export const schemas = {
  train: evolmmSettings,
  warmup: sftSettings,
  eval: evalSettings,
  infer: inferSettings,
  generate: generateSettings,
  score: scoreSettings,
  export: exportSettings,
  report: reportSettings,
  sync: syncSettings,
}
