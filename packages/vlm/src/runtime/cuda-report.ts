/** What CUDA has here, for `evolmm doctor`: cards by the names that `--device` takes, libraries, and how to get what is missing. */
import { listCards, visibleCards } from './cards'
import { cudaAdvice, cudaLibraries, cudaPlaces, type CudaLibrary, type CudaPlaces } from './cuda-libraries'

export interface CudaReport {
  cards: readonly CardReport[]
  /** What the provider is linked with. */
  libraries: readonly CudaLibrary[]
  /** Sentences that say how to get what is missing of them. */
  advice: readonly string[]
}

export interface CardReport {
  /** The value for `--device`; `null` where CUDA hides the card, or the driver does not tell which number it has. */
  device: string | null
  name: string
  uuid: string
  /** Bytes that nobody has taken. */
  free: number | null
  /** True where `CUDA_VISIBLE_DEVICES` leaves the card out. */
  hidden: boolean
}

export async function cudaReport(places: CudaPlaces = cudaPlaces()): Promise<CudaReport> {
  const { environment } = places
  const cards = await listCards(environment)
  const visible = visibleCards(cards, environment)
  const libraries = await cudaLibraries(places)
  return {
    cards: cards.map((card): CardReport => {
      const { name, uuid, free = null } = card
      const number = visible.indexOf(card)
      // Where a number is open, any card that is not there may be the one.
      const hidden = number < 0 && !visible.includes(undefined)
      return { device: number < 0 ? null : `cuda:${number}`, name, uuid, free, hidden }
    }),
    libraries,
    advice: cudaAdvice(libraries, environment),
  }
}
