import { testOptionNames } from '@evolmm/internal/testing'
import {
  checkFolder,
  chooseDevice,
  estimateMemory,
  initializeCheckpoint,
  loadVlm,
  openBackbone,
  openConfig,
  plannedAdapter,
  planPrograms,
} from '../src/index'
import { vlm } from './support/loaded'

const adapter = vlm.createAdapter()

testOptionNames([
  ['checkFolder', (options) => checkFolder('/nowhere', options), { imageOption: {} }, 'imageOptions'],
  ['chooseDevice', chooseDevice, { devise: 'cpu' }, 'device'],
  ['createAdapter', vlm.createAdapter, { lora_alpha: 1 }, undefined],
  ['encodeImage', (options) => vlm.encodeImage('/nowhere', options), { feature: true }, 'features'],
  ['estimateMemory', estimateMemory, { promptTokens: 1, completionTokens: 1, sample: 2 }, 'samples'],
  ['gradient', vlm.gradient, { groups: [], adapter, betta: 1 }, 'beta'],
  ['group', vlm.group, { turns: [], image: [] }, 'images'],
  ['initializeCheckpoint', (options) => initializeCheckpoint('/nowhere', options), { sead: 1 }, 'seed'],
  ['loadAdapter', (options) => vlm.loadAdapter('/nowhere', options), { adapter_name: 'a' }, 'adapterName'],
  ['loadVlm', (options) => loadVlm('/nowhere', options), { quantise: 'int4' }, 'quantize'],
  ['openBackbone', (options) => openBackbone({}, options), { fil: 'config.json' }, 'file'],
  ['openConfig', (options) => openConfig('/nowhere', options), { hubs: {} }, 'hub'],
  ['plannedAdapter', plannedAdapter, { adapters: {} }, 'adapter'],
  ['planPrograms', planPrograms, { kll: true }, 'kl'],
  ['prompt', vlm.prompt, { prompt: 'a', sytem: 'b' }, 'system'],
  ['sample', vlm.sample, { prompts: [], max_new_tokens: 4 }, 'maxNewTokens'],
  [
    'saveAdapter',
    (options) => vlm.saveAdapter('/nowhere', adapter, options),
    { withProcesor: true },
    'withProcessor',
  ],
  ['saveMerged', (options) => vlm.saveMerged('/nowhere', adapter, options), { overwrit: true }, 'overwrite'],
  ['score', vlm.score, { groups: [], adaptr: adapter }, 'adapter'],
  ['stream', (options) => vlm.stream(options)[Symbol.asyncIterator]().next(), { sead: 1 }, 'seed'],
  ['trainWeights', vlm.trainWeights, { target: [] }, 'targets'],
])
