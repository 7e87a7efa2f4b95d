/** Qwen2.5-VL's tiny checkpoint against PyTorch in float32. Its images and prompts have tests of their own. */
import { test } from 'vitest'
import { openFixture } from './support/fixture-model'
import { expectAnother, numberParity, packingParity } from './support/parity'
import { readReference } from './support/reference'

const fixture = await openFixture(await readReference('qwen2_5_vl-tiny'))
numberParity(fixture)
packingParity(fixture)

test('another image of the same size is another loss and another gradient, far beyond rounding', async () => {
  const { adapters, caseGroup, startingParameters, learn } = fixture
  const parameters = startingParameters(adapters)
  const own = await learn([await caseGroup('c0')], parameters)
  expectAnother(await learn([await caseGroup('c0', ['pic.webp'])], parameters), own)
})
