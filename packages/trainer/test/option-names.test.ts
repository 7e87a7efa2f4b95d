import { testOptionNames } from '@evolmm/internal/testing'
import { loadedState, savedState, train } from '../src/index'

const checkpoint = {
  folder: '/nowhere',
  schema_version: 1,
  step: 1,
  saved: '',
  identity: {},
  tensors: new Map(),
}

testOptionNames([
  ['loadedState', (options) => loadedState({ ...checkpoint, data: {} }, options), { model: {} }, 'models'],
  ['probe', (probe) => train({ probe }), { run: () => Promise.resolve({}), evry: 2 }, 'every'],
  ['savedState', (options) => savedState({} as never, options), { models: {}, datasets: {} }, 'dataset'],
])
