/** Settings in the words of the functions below, whose options are left out where a setting is `null`. */
import { imageOptions, type modelRows, type pixelRows } from './shared-rows'
import type { Values } from './schema'

/** The options without those that are `null`. */
export function optionsOf<T extends object>(
  values: T,
): { [K in keyof T as null extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as null extends T[K] ? K : never]?: Exclude<T[K], null>
} {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)) as ReturnType<
    typeof optionsOf<T>
  >
}

/** What `@evolmm/vlm` calls the choices of how images are cut. */
export function pixelOptions(settings: Values<typeof pixelRows>): {
  imageOptions: Record<string, number | boolean>
} {
  return { imageOptions: imageOptions(settings) }
}

/** What `loadVlm` of `@evolmm/vlm` calls the settings by which a model is opened. */
export function modelOptions(settings: Omit<Values<typeof modelRows>, 'model'>) {
  const { device, dtype, quantize, threads, cache_dir: cacheDir, revision } = settings
  return {
    ...{ device, dtype, ...(quantize !== 'none' && { quantize }) },
    ...optionsOf({ threads, cacheDir }),
    hub: optionsOf({ revision }),
  }
}
