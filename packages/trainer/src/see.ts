/** The images of an iteration, encoded: where its episodes begin. */
import type { Sample } from '@evolmm/dataset'
import { imageCache, type EncodedImage } from '@evolmm/vlm'
import { EvolmmError, type TrainerErrorCode } from './errors'
import type { Episode } from './episode'
import type { Loop } from './loop'
import { perRole, roles } from './role'

/** What is wrong with one image alone, and no reason to end a run. */
const ofOneImage: ReadonlySet<TrainerErrorCode> = new Set<TrainerErrorCode>([
  'IMAGE_UNREADABLE',
  'IMAGE_TOO_NARROW',
  'IMAGE_SIZE_UNSUPPORTED',
])

/**
 * This process's share of an iteration's images: a slice of the one stream that all processes see. An image is encoded
 * once where both roles share a model, and again only when it has left the cache.
 */
export function imageReader(loop: Loop): (step: number) => Promise<Episode[]> {
  const { images, settings, group, onWarning } = loop
  const models = [...new Set(roles.map((role) => loop[role]))]
  const caches = models.map((model) => ({ model, cache: imageCache(settings.image_cache / models.length) }))

  const see = async (sample: Sample): Promise<Episode['seen']> => {
    try {
      const encoded: EncodedImage[] = []
      for (const { model, cache } of caches)
        encoded.push(await cache.get(sample.path, () => model.encodeImage(sample.path)))
      return perRole((role) => encoded[models.indexOf(loop[role])])
    } catch (error) {
      if (!(error instanceof EvolmmError) || !ofOneImage.has(error.code)) throw error
      onWarning(`${sample.relativePath}: is left out of this iteration; ${error.message}`, 'IMAGE_LEFT_OUT')
      return null
    }
  }

  return async (step) => {
    const share = settings.batch_size / group.size
    const first = (step - 1) * settings.batch_size + group.rank * share
    const samples: Sample[] = []
    for (let i = 0; i < share; i++) samples.push(await images.sampleAt(first + i))
    const episodes: Episode[] = []
    for (const sample of samples)
      episodes.push({
        sample,
        seen: await see(sample),
        proposed: null,
        answered: null,
        graded: null,
        lessons: perRole(() => null),
      })
    return episodes
  }
}
