import { expect, test } from 'vitest'
import { runName } from '../src/run-name'

test('a run without a name is called after its model and the time', () => {
  const name = (solver_model: string) => runName({ run_name: null, solver_model }, 1_700_000_000_999)
  expect(name('Qwen/Qwen2.5-VL-3B-Instruct')).toBe('Qwen2.5-VL-3B-Instruct_1700000000')
  expect(name('Qwen/Qwen2.5-VL-3B-Instruct@main')).toBe('Qwen2.5-VL-3B-Instruct_1700000000')
  expect(name('./models/tiny/')).toBe('tiny_1700000000')
  expect(name('..')).toBe('model_1700000000')
  expect(runName({ run_name: 'mine', solver_model: 'x' })).toBe('mine')
})
