import { expect, test } from 'vitest'
import { mropePositions } from '../src/backbones/parts/mrope-positions'
import { gridLayout, type Grid } from '../src/backbones/parts/patch-grid'
import { coded, readFixture } from './prompt-checkpoint'

interface PositionCase {
  name: string
  mergeSize: number
  ids: number[]
  grids: Grid[]
  positions: number[][]
  delta: number
}
interface Reference {
  cases: {
    name: string
    images: string[]
    prompt_ids: number[]
    completion_ids: number[]
    position_ids: number[][]
    rope_delta: number
  }[]
  images: { file: string; grid_thw: Grid }[]
}
const made = readFixture('positions/positions.json') as { cases: PositionCase[] }
const { cases, images } = readFixture('qwen2_5_vl-tiny/reference.json') as Reference
const config = { imageToken: 613, videoToken: 614, mergeSize: 2 }

for (const { name, mergeSize, ids, grids, positions, delta } of made.cases)
  test(`equal to get_rope_index: ${name}`, () => {
    const got = mropePositions({ ...config, ids, grids, mergeSize })
    expect([...got.positions]).toEqual(positions.flat())
    expect(got.delta).toBe(delta)
  })

for (const { name, prompt_ids, completion_ids, position_ids, rope_delta, ...rest } of cases) {
  const grids = rest.images.map((image) => images.find(({ file }) => file === image)?.grid_thw) as Grid[]
  const all = [...prompt_ids, ...completion_ids]

  test(`reference case ${name}: equal for prompt and completion together`, () => {
    const got = mropePositions({ ...config, ids: Int32Array.from(all), grids })
    expect([...got.positions]).toEqual(position_ids.flat())
    expect(got.delta).toBe(rope_delta)
  })

  test(`reference case ${name}: the completion goes on at its index plus the delta of the prompt`, () => {
    const { positions, delta } = mropePositions({ ...config, ids: prompt_ids, grids })
    const count = prompt_ids.length
    expect([...positions]).toEqual(position_ids.flatMap((row) => row.slice(0, count)))
    const rest = completion_ids.map((_, i) => count + i + delta)
    for (const row of position_ids) expect(row.slice(count)).toEqual(rest)
    expect(delta).toBe(rope_delta)
  })
}

test('no ids have no positions', () => {
  expect(mropePositions({ ...config, ids: [], grids: [] })).toEqual({
    positions: new Int32Array(0),
    delta: 0,
  })
})

test('refuses image tokens that are not those of the grids', () => {
  const image = Array<number>(4).fill(613)
  const grid: Grid = [1, 4, 4]
  const wrong: [number[], Grid[]][] = [
    [[1, ...image], []],
    [
      [1, ...image],
      [grid, grid],
    ],
    [[1, ...image, 613], [grid]],
    [[1, 613, 613, 1], [grid]],
    [[1, 613, 613, 1, 613, 613], [grid]],
    // get_rope_index takes neighbours without a token between them for one image and fails.
    [
      [...image, ...image],
      [grid, grid],
    ],
    [[1, 2], [grid]],
  ]
  for (const [ids, grids] of wrong)
    expect(() => mropePositions({ ...config, ids, grids })).toThrow(coded('IMAGE_TOKENS_MISMATCH'))
})

test('refuses video and grids that do not divide', () => {
  expect(() => mropePositions({ ...config, ids: [1, 614], grids: [] })).toThrow(coded('VIDEO_UNSUPPORTED'))
  expect(() => mropePositions({ ...config, ids: [613], grids: [[1, 3, 2]] })).toThrow(coded('INVALID_OPTION'))
})

test('refuses grids that are no whole squares of patches', () => {
  const wrong = [
    [1, 4, 5],
    [1, 0, 4],
    [0, 4, 4],
    [1, 4.5, 4],
    [1, 4],
    [NaN, 4, 4],
    ['1', 4, 4],
    7,
    null,
    [1, 4, 4, 4],
  ]
  for (const one of wrong)
    expect(() => gridLayout(one as unknown as Grid, { patchSize: 14, mergeSize: 2 })).toThrow(
      coded('INVALID_OPTION', /^grids:/),
    )
})
