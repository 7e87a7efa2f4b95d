/** What a file says that graphs have no place for: kept beside them, and written again by `serialize`. */
import type { UnknownField } from '@bufbuild/protobuf'
import type { Graph, Node, Scope, Tensor } from './graph'

/** A message with the two things that are kept of it. */
interface Keepable {
  docString: string
  $unknown?: UnknownField[] | undefined
}

const texts = new WeakMap<Graph | Scope | Node, Keepable>()
const typed = new WeakSet<Tensor>()

/** Remember the text and the unknown fields of `message` for what it became. */
export function keep(made: Graph | Scope | Node, { docString, $unknown }: Keepable): void {
  if (docString !== '' || $unknown !== undefined) texts.set(made, { docString, $unknown })
}

/** Put what was kept of `made` into the message that it is written as. */
export function restore<T extends Keepable>(made: Graph | Scope | Node, message: T): T {
  const known = texts.get(made)
  if (known !== undefined) {
    if (known.docString !== '') message.docString = known.docString
    if (known.$unknown !== undefined) message.$unknown = known.$unknown
  }
  return message
}

/** Remember that a file says more of the type of `tensor` than inference finds. */
export function keepType(tensor: Tensor): void {
  typed.add(tensor)
}

const guessed = new WeakSet<Tensor>()

/** Remember that nothing says what type `tensor` has: that of its record is a guess, and is not written. */
export function markGuessed(tensor: Tensor): void {
  guessed.add(tensor)
}

export function isGuessed(tensor: Tensor | undefined): boolean {
  return tensor !== undefined && guessed.has(tensor)
}

export function isTypeKept(tensor: Tensor): boolean {
  return typed.has(tensor)
}
