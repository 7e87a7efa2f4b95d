/** What people call a published model: with its owner or without, base or instruct, in any case. */
export function publishedNames(owner: string, name: string): string[] {
  return [name, `${owner}/${name}`]
    .flatMap((each) => [each, `${each}-Instruct`])
    .map((each) => each.toLowerCase())
}
