/** What is wrong with a page: parse errors of the standard, elements closed for it, names used twice or missing. */
import { defaultTreeAdapter as tree, type DefaultTreeAdapterTypes as Types, html, parse } from 'parse5'

const open = new Set<string>(
  ['area', 'base', 'br', 'col', 'hr', 'img', 'input', 'link', 'meta', 'source', 'wbr'].map((name) => name),
)

export interface CheckedPage {
  problems: string[]
  elements: Types.Element[]
  /** All that a reader sees, without scripts and styles. */
  text: string
}

export function checkHtml(page: string): CheckedPage {
  const problems: string[] = []
  const document = parse(page, {
    sourceCodeLocationInfo: true,
    onParseError: ({ code, startLine, startCol }) => problems.push(`${code} at ${startLine}:${startCol}`),
  })
  const elements: Types.Element[] = []
  let text = ''
  const walk = (node: Types.Node) => {
    if (tree.isTextNode(node)) text += `${node.value} `
    if (tree.isElementNode(node)) {
      elements.push(node)
      const { tagName, sourceCodeLocation } = node
      const selfClosed = page.slice(0, sourceCodeLocation?.startTag?.endOffset).endsWith('/>')
      const closed = sourceCodeLocation?.endTag !== undefined || open.has(tagName) || selfClosed
      // The standard puts a tbody into every table.
      if (sourceCodeLocation === null || sourceCodeLocation === undefined) {
        if (tagName !== 'tbody') problems.push(`<${tagName}> is not in the source`)
      } else if (!closed) problems.push(`<${tagName}> is never closed`)
      if (node.namespaceURI === html.NS.HTML && selfClosed) problems.push(`<${tagName}/> is not HTML`)
      if (tagName === 'script' || tagName === 'style') return
    }
    if ('childNodes' in node) for (const child of node.childNodes) walk(child)
  }
  walk(document)

  const ids = elements.flatMap((element) => attribute(element, 'id') ?? [])
  if (new Set(ids).size < ids.length) problems.push('an id comes twice')
  for (const element of elements) {
    const href = attribute(element, 'href')
    if (href !== undefined && !ids.includes(href.slice(1))) problems.push(`${href} leads nowhere`)
    if (element.tagName === 'img' && attribute(element, 'alt') === undefined)
      problems.push('an img has no alt')
  }
  return { problems, elements, text }
}

export function attribute({ attrs }: Types.Element, name: string): string | undefined {
  return attrs.find((one) => one.name === name)?.value
}
