/** The settings of EvoLMM as a schema: the rows, and what is said across them. */
import { schema, type GivenOf, type SettingsOf, type ValuesOf } from '@evolmm/settings'
import { needs, notes, rules } from './across'
import { absentSettings } from './elsewhere'
import { evolmmRows } from './rows'

export const evolmmSettings = schema({
  name: 'a run',
  groups: evolmmRows,
  needs,
  rules,
  notes,
  absent: absentSettings,
})

/** Every setting of a run, as `resolve(evolmmSettings, given)` returns them. */
export type EvolmmSettings = SettingsOf<typeof evolmmSettings>

/** The same without its promise: a plan may look at settings that a run would refuse. */
export type EvolmmValues = ValuesOf<typeof evolmmSettings>

/** What a caller may give by name. */
export type EvolmmGiven = GivenOf<typeof evolmmSettings>
