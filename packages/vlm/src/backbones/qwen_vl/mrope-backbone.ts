/** What the Qwen-VL families share: a decoder with three position axes, biases on q, k and v, beside a `patchTower`. */
import { rmsNorm } from '@evolmm/onnx'
import type { Backbone } from '../backbone'
import type { PromptRules } from '../prompt-rules'
import { decoder, decoderProjections, decoderWeights, withFeatures } from '../parts/decoder'
import { refuseVideo, tokenizeRuns } from '../parts/image-runs'
import { mropePositions } from '../parts/mrope-positions'
import type { MropeModel } from './mrope-text'
import { gridOf } from '../parts/patch-grid'
import { patchTower, patchTowerWeights, type PatchTowerOptions } from '../parts/patch-tower'
import { renamed } from '../parts/renamed'
import { rotaryAngles, sectionAxes } from '../parts/rotary-angles'
import { vocabAndMerges } from '../parts/vocab-and-merges'
import { linearModules, usualInitialValue } from '../parts/weight-shapes'

export interface MropeBackboneOptions {
  model: MropeModel
  tower: PatchTowerOptions
  configJson: Backbone['configJson']
}

/** The pieces that text is cut into: contractions, words, single digits, signs, and spaces. */
const piecePattern =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
const language = 'model.language_model'
const embeddingWeight = `${language}.embed_tokens.weight`

export function mropeBackbone({ model, tower, configJson }: MropeBackboneOptions): Backbone {
  const { text, imageToken, videoToken } = model
  const headMatrix = ['lm_head.weight', [text.vocabularySize, text.hiddenSize]] as const
  const weights = [...patchTowerWeights(tower), ...decoderWeights(text, language, true)]
  const mergeSize = tower.config.spatialMergeSize
  return {
    weights: new Map([...weights, ...(model.tieWordEmbeddings ? [] : [headMatrix])]),
    modules: linearModules([...weights, headMatrix], embeddingWeight),
    names: renamed([
      ['visual.', 'model.visual.'],
      ['model.', `${language}.`],
    ]),
    isVision: (name) => name.startsWith('model.visual.'),
    targets: decoderProjections,
    embeddingWeight,
    head: { module: 'lm_head', weight: model.tieWordEmbeddings ? embeddingWeight : headMatrix[0] },
    initialValue: usualInitialValue,
    configJson,
    prompt: promptRules(model),
    axes: 3,
    positions: (ids, images) =>
      mropePositions({ ids, grids: images.map(gridOf), imageToken, videoToken, mergeSize }),
    sizes: {
      layers: text.layers,
      hiddenSize: text.hiddenSize,
      keyValueSize: text.keyValueHeads * text.headSize,
      vocabularySize: text.vocabularySize,
      maxPositions: text.maxPositions,
    },
    embed: (layers, ids, images) => withFeatures(layers.rows(ids, embeddingWeight), images),
    decoder: (layers, inputs) => {
      const axes = sectionAxes(text.mropeSection)
      const { positions } = inputs
      const angles = rotaryAngles({ positions, theta: text.ropeTheta, headSize: text.headSize, axes })
      return decoder(layers, { config: text, prefix: language, angles }, inputs)
    },
    finalNorm: (layers, hidden) =>
      rmsNorm({
        x: hidden,
        weight: layers.weight(`${language}.norm.weight`),
        epsilon: text.rmsNormEps,
      }),
    shape: text,
    vision: patchTower(tower),
  }
}

function promptRules({ imageToken, videoToken, ...tokens }: MropeModel): PromptRules {
  return {
    tokens: new Map([
      ['<|image_pad|>', imageToken],
      ['<|video_pad|>', videoToken],
      ['<|vision_start|>', tokens.visionStartToken],
      ['<|vision_end|>', tokens.visionEndToken],
    ]),
    tokenizerJson: (folder) => vocabAndMerges(folder, { pattern: piecePattern, normalizer: { type: 'NFC' } }),
    placeholder: /<\|image_pad\|>/g,
    marker: /<\|[^<>|\s]*\|>/,
    tokenize: (text, images, tokenizer) => {
      const lengths = images.map((image) => image.tokens)
      const tokenized = tokenizeRuns({ tokenizer, text, imageToken, lengths })
      refuseVideo(tokenized.ids, videoToken)
      return tokenized
    },
  }
}
