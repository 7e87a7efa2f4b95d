/** Option checks that several functions of this package share; numbers are checked by the internal package. */
import { checkInteger } from '@evolmm/internal'
import { EvolmmError } from './errors'

/** Pillow refuses to open more pixels than this (twice its `MAX_IMAGE_PIXELS`). */
const pillowLimit = 178_956_970

/** What makes an image usable; a verdict is only worth something together with the rules that it was made under. */
export interface UsabilityRules {
  /** Images of more pixels (width times height) are skipped unread. @default 178,956,970, where Pillow refuses */
  maxPixels: number
  /** Use an image whose content is of another format than its extension says. @default false */
  acceptWrongExtension: boolean
}

export function checkRules(options: Partial<Record<keyof UsabilityRules, unknown>>): UsabilityRules {
  return {
    maxPixels: checkInteger('maxPixels', options.maxPixels ?? pillowLimit, { min: 1 }),
    acceptWrongExtension: checkBoolean('acceptWrongExtension', options.acceptWrongExtension ?? false),
  }
}

export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw invalidOption(name, value, 'true or false')
  return value
}

export function checkFilledText(name: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') throw invalidOption(name, value, 'a non-empty string')
  return value
}

export function invalidOption(name: string, value: unknown, rule: string): EvolmmError {
  const shown = typeof value === 'string' ? JSON.stringify(value) : typeof value
  return new EvolmmError('INVALID_OPTION', `${name}: must be ${rule}, got ${shown}; pass such a value`, {
    details: { option: name, value },
  })
}
