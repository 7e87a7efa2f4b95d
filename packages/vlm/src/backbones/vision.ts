/** What the rest of the package knows of a vision tower. */
import type { Tensor } from '@evolmm/onnx'
import type { FloatArray } from '@evolmm/safetensors'
import type { RgbImage } from '../image/rgb-image'
import type { Feed, InputDeclaration } from './feed'
import type { Layers } from './layers'
import type { VisionShape } from './shapes'

/** What prompts, positions and plans depend on of an image. */
export interface ImageLayout {
  /** Rows of features that it becomes. */
  tokens: number
  /** Rows that the tower works on. */
  patches: number
  /** The number of pixels after resizing. */
  area: number
  /** The layout in the names of transformers' processor: `image_grid_thw`, say. */
  fields: Readonly<Record<string, readonly number[]>>
}

/** An image as the tower takes it. */
export interface PreparedImage extends ImageLayout {
  /** Normalised values, in a shape and an order that are the folder's own: [patches, numbers], or tiles. */
  pixels: FloatArray
  /** The image as it was decoded, which `prepare` keeps for `recut`. @default not kept */
  decoded?: RgbImage
}

/** An image of which the size alone is known, in pixels. */
export interface ImageToBe {
  width: number
  height: number
  /** The number of images in its prompt. @default 1 */
  images?: number
}

/** What a caller says of how images are cut, by the names of the backbone's own `imageOptions`; the rest is the checkpoint's. */
export type ImageOptions = Readonly<Record<string, number | boolean | undefined>>

/** An integer that is not below `min`, or a switch. */
export type ImageOption = { kind: 'integer'; min: number } | { kind: 'switch' }

/** A processor prepares images as a checkpoint wants them. */
export interface ImageProcessor {
  /** The image options as they hold, those of the checkpoint where the caller gave none. */
  options: ImageOptions
  /** What an image of that size becomes, under these options or changed ones. Throws `IMAGE_TOO_NARROW`. */
  layout: (image: ImageToBe, changed?: ImageOptions) => ImageLayout
  /** True hands `prepare` the alpha of images that have any. @default false, dropped as Pillow's `convert('RGB')` does */
  alpha?: boolean
  /** An image by itself. */
  prepare: (image: RgbImage) => PreparedImage
  /**
   * The images of a prompt with several of them, cut anew where their number says how; one that stays as it is comes back
   * itself. @default an image is cut the same wherever it stands
   */
  recut?: (images: readonly PreparedImage[]) => readonly PreparedImage[]
}

export interface Vision {
  /** The names in the `fields` of an image's layout. */
  fields: readonly string[]
  /** What callers may choose: bounds of area, of the number of tiles, of the longer side, or whatever it is. */
  imageOptions: ReadonlyMap<string, ImageOption>
  /**
   * The processor of the checkpoint in that folder, from `preprocessor_config.json` or whatever it has instead, or the one
   * that published models have. Each option by itself has been checked. Throws `CHECKPOINT_FILE_NOT_FOUND`,
   * `CHECKPOINT_FILE_DAMAGED`, `INVALID_CONFIG` where it is at odds with the configuration, or `INVALID_OPTION` for options
   * that exclude each other.
   */
  processor: (folder: string | undefined, options: ImageOptions) => Promise<ImageProcessor>
  /** Width of a row of features: the language model's, and as much again for each deeper layer that adds features. */
  featureSize: number
  /**
   * True if features of an image depend on the other images of its prompt: those of a prompt with several are computed in
   * one run, and belong to it. @default features of an image are its own
   */
  joint?: boolean
  /**
   * A mask [T, features] of 0 and 1, the features that each token of a prompt sees, for models that attend to them in place
   * of putting them among the tokens; later tokens see what the last one sees. @default features are put among the tokens
   */
  sees?: (ids: ArrayLike<number>, images: readonly ImageLayout[]) => Uint8Array
  /** What `features` takes besides weights. */
  inputs: readonly InputDeclaration[]
  /** Values of the inputs, for the images of each prompt. */
  feeds: (prompts: readonly (readonly PreparedImage[])[]) => Record<string, Feed>
  /** Features [tokens, featureSize], image after image, from the inputs by name. */
  features: (layers: Layers, inputs: ReadonlyMap<string, Tensor>) => Tensor
  /** Sizes for the memory estimate. */
  shape: VisionShape
}
