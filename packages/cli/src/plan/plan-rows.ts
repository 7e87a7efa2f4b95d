/** What every plan is told besides the settings of the run. */
import { text, toggle } from '@evolmm/settings'

const size = /^([1-9]\d{0,5})[x×]([1-9]\d{0,5})$/

export const planRows = {
  image_size: text(null, 'size of the largest image in pixels, such as 896x896', {
    value: 'size',
    otherwise: 'that of the images',
    must: {
      rule: 'be width and height in pixels such as 896x896',
      holds: (said) => size.test(said.trim()),
      remedy: 'correct it',
    },
    identity: false,
  }),
  programs: toggle(false, 'also build every program, and show what it takes and gives', {
    identity: false,
  }),
}

/** A size that the rule of `image_size` accepts. */
export function imageSizeIn(said: string): { width: number; height: number } {
  const [, width, height] = size.exec(said.trim()) ?? []
  return { width: Number(width), height: Number(height) }
}
