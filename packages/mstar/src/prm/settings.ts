/** The settings of a process reward model, once. */
import { runRows, trackingRows } from '@evolmm/runs'
import {
  adapterRows,
  adapterRule,
  integer,
  loraRows,
  modelRows,
  number,
  pixelRows,
  pixelRule,
  schema,
  type GivenOf,
  type SettingsOf,
} from '@evolmm/settings'
import { learningSettings } from '@evolmm/sft'
import { loraDefaults } from '@evolmm/vlm'
import { partOutput } from '../parts/rows'
import { generationRows, mstarSettings, questionRows, selectionRows } from '../settings'

const { data, question_prompt, system, scorer } = questionRows
const learning = learningSettings.rows
const { tensorboard, report, ...tracking } = trackingRows

/** The settings that describe the adapter of a completer that has none. */
const newAdapter = ['lora_r', 'lora_alpha', 'lora_dropout', 'lora_targets'] as const

export const prmSettings = schema({
  name: 'a reward model',
  groups: {
    Completer: {
      ...{ ...modelRows, ...pixelRows },
      ...{
        ...adapterRows,
        adapter: { ...adapterRows.adapter, help: 'adapter of the completer, where learning begins' },
      },
      ...loraRows({ ...loraDefaults, targets: null }),
    },
    Questions: { data, question_prompt, system, scorer },
    Answers: {
      num_questions: integer(50_000, 'questions that are answered, drawn at random, or all that there are', {
        min: 1,
        identity: true,
      }),
      ...generationRows,
    },
    Steps: {
      most_answers: integer(4, 'distinct answers that are kept of a question', { min: 1, identity: true }),
      num_pairs: integer(
        50_000,
        'answers that are learned or held out at most, in equal parts right and wrong',
        {
          min: 2,
          identity: true,
        },
      ),
      num_completions: integer(8, 'completions from the end of each step', { min: 1, identity: true }),
      steps_by: selectionRows.steps_by,
      held_out: number(0.1, 'share of the answers whose images are not learned from', {
        min: 0,
        below: 1,
        identity: true,
      }),
    },
    Learn: {
      ...learning,
      seed: mstarSettings.rows.seed,
      batch_size: { ...learning.batch_size, default: 32, help: 'questions of a step, each with its answers' },
    },
    Output: {
      ...{ ...partOutput, resume: runRows.resume },
      save_every: { ...runRows.save_every, default: 100 },
      max_checkpoints: { ...runRows.max_checkpoints, default: 1 },
    },
    Tracking: {
      tensorboard: { ...tensorboard, default: false },
      report: { ...report, default: false },
      ...tracking,
    },
  },
  rules: [
    pixelRule,
    adapterRule,
    ...learningSettings.rules,
    {
      about: 'adapter',
      wrong: ({ adapter }, the, given) => {
        const described = newAdapter.find((name) => given[name] !== undefined)
        return (
          adapter !== null &&
          described !== undefined &&
          `must not go with ${the(described)}, which describes a new adapter, got both; leave one of them out`
        )
      },
    },
  ],
  absent: learningSettings.absent,
})

export type PrmSettings = SettingsOf<typeof prmSettings>
export type PrmGiven = GivenOf<typeof prmSettings>
