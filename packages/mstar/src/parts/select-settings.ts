/** The settings of lessons made of answers on disk, as a part of a run. */
import { schema, text, toggle, type GivenOf, type SettingsOf } from '@evolmm/settings'
import { mstarSettings, questionRows, selectionRows } from '../settings'
import { fileName, partOutput } from './rows'

const { data, question_prompt } = questionRows
const { selection, select_k, select_alpha, most_lessons } = selectionRows

export const selectSettings = schema({
  name: 'a selection',
  groups: {
    Answers: {
      ...partOutput,
      data: { ...data, help: 'the questions that were answered' },
      rollouts: fileName('answers', 'name of the file of answers in the folder of the run'),
      question_prompt,
    },
    Select: {
      selection,
      select_k,
      select_alpha: { ...select_alpha, otherwise: 'chosen on answers to validation questions' },
      validation_rollouts: text(null, 'name of scored answers to validation questions', {
        value: 'name',
        otherwise: 'none',
        identity: true,
      }),
      vote: toggle(false, 'take for right what most answers to a question say, each by its score', {
        identity: true,
      }),
      most_lessons: { ...most_lessons, help: 'kept answers that become lessons at most, drawn at random' },
      seed: mstarSettings.rows.seed,
    },
    Output: {
      lessons: fileName('lessons', 'name of the file of lessons in the folder of the run'),
    },
  },
  rules: [
    {
      about: 'select_alpha',
      wrong: ({ selection: rule, select_alpha: alpha, validation_rollouts: validation }, the) =>
        rule === 'threshold' &&
        alpha === null &&
        validation === null &&
        `must be given, or answers to choose it by, got neither; give it or ${the('validation_rollouts')}`,
    },
  ],
})

export type SelectSettings = SettingsOf<typeof selectSettings>
export type SelectGiven = GivenOf<typeof selectSettings>
