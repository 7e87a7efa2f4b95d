import { readFileSync } from 'node:fs'
import { defaultSeed } from '@evolmm/dataset'
import { namesDefault } from '@evolmm/internal/testing'
import { adamWDefaults } from '@evolmm/rl-core'
import { loraDefaults } from '@evolmm/vlm'
import { expect, test } from 'vitest'
import { sftSettings } from '../src/index'

const { rows } = sftSettings
const source = readFileSync(new URL('../src/settings.ts', import.meta.url), 'utf8')

/** Settings whose default a library has too, for who uses it alone. */
const shared = {
  weight_decay: adamWDefaults.weightDecay,
  beta1: adamWDefaults.betas[0],
  beta2: adamWDefaults.betas[1],
  grad_clip: adamWDefaults.clip,
  lora_r: loraDefaults.rank,
  lora_alpha: loraDefaults.alpha,
  lora_dropout: loraDefaults.dropout,
  seed: defaultSeed,
} as const

test.each(Object.entries(shared))(
  'the default of %s is that of the library, and not written again',
  (name, value) => {
    expect(rows[name as keyof typeof shared].default).toBe(value)
    expect(namesDefault(source, name)).toBe(true)
  },
)

test.each([
  ['min_lr', 'a number is written where a row is made'],
  ['lr', 'another default is written over that of a shared row'],
])('the look at the source sees what %s does: %s', (name) => {
  expect(namesDefault(source, name)).toBe(false)
})
