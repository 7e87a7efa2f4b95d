/** Whether a value is what a setting has when nobody sets it. */
import { trainSettings, type TrainSetting } from './train-settings'

export function isDefault(name: TrainSetting, value: unknown): boolean {
  return JSON.stringify(value) === JSON.stringify(trainSettings[name].default)
}
