import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Vlm } from '@evolmm/vlm'
import { evolve, type IterationRecord } from '../src/index'
import { makeImages, openTiny, tinyOptions } from './support/tiny-run'

let vlm: Vlm
let images: Awaited<ReturnType<typeof makeImages>>
beforeAll(async () => {
  vlm = await openTiny()
  images = await makeImages(4)
})
afterAll(async () => {
  await vlm.dispose()
  await images.remove()
})

test('a first look', async () => {
  const options = await tinyOptions(vlm, images.folder, {
    totalSteps: 6,
    proposerUpdateFreq: 2,
    batchSize: 2,
  })
  const records: IterationRecord[] = []
  for await (const record of evolve(options)) records.push(record)
  console.log(JSON.stringify(records[0], null, 1).slice(0, 6000))
  console.log(
    records.map(({ solver, proposer, seconds }) => JSON.stringify([solver, proposer, seconds])).join('\n'),
  )
  expect(records.length).toBe(6)
})
