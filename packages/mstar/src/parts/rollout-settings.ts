/** The settings of answers to a file of questions, as a part of a run. */
import {
  adapterRows,
  adapterRule,
  integer,
  modelRows,
  pixelRows,
  pixelRule,
  schema,
  type GivenOf,
  type SettingsOf,
} from '@evolmm/settings'
import { generationRows, mstarSettings, questionRows, selectionRows } from '../settings'
import { fileName, partOutput } from './rows'

const { data, question_prompt, give_answers, rationale_prompt, system, scorer } = questionRows
const { reward_model, steps_by } = selectionRows

export const rolloutSettings = schema({
  name: 'rollouts',
  groups: {
    Model: { ...modelRows, ...pixelRows, ...adapterRows },
    Questions: {
      data,
      num_questions: integer(null, 'questions that are answered, drawn at random', {
        min: 1,
        otherwise: 'all',
        identity: true,
        elsewhere: ['max_samples', 'limit'],
      }),
      ...{ question_prompt, give_answers, rationale_prompt, system, scorer },
    },
    Generate: { ...generationRows, seed: mstarSettings.rows.seed },
    Score: { reward_model, steps_by },
    Output: {
      ...partOutput,
      rollouts: fileName('answers', 'name of the file of answers in the folder of the run'),
    },
  },
  needs: [
    {
      settings: ['rationale_prompt'],
      needed: (the) => the('give_answers'),
      holds: (settings) => settings.give_answers,
    },
  ],
  rules: [pixelRule, adapterRule],
})

export type RolloutSettings = SettingsOf<typeof rolloutSettings>
export type RolloutGiven = GivenOf<typeof rolloutSettings>
