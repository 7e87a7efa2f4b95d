/** What a model is asked about images, in the commands that ask it. */
import { pixelRows, several, text } from '@evolmm/settings'

export const promptRows = {
  image: several(null, 'images, in the order in which the model sees them', {
    value: 'file...',
    otherwise: 'none',
    identity: true,
  }),
  prompt: text(null, 'what the user says', { required: true, verbatim: true, identity: true }),
  system: text(null, 'system message', { otherwise: "the chat template's", verbatim: true, identity: true }),
  ...pixelRows,
}
