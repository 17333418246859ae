import type { ComponentChildren } from 'preact'
import { type Block, blocksOf, type Inline, inlinesOf, shownUrl } from './body-text.ts'
import { Glyph } from './icons.tsx'

export interface LinkProps {
  readonly onLink: (url: string) => void
  readonly onMessage?: ((id: string) => void) | undefined
}

/** The text of a post. */
export function RichText({ text, ...links }: { readonly text: string } & LinkProps) {
  return <div class="text">{blocksOf(text).map((block, i) => blockElement(block, i, links))}</div>
}

function blockElement(block: Block, key: number, links: LinkProps): ComponentChildren {
  switch (block.kind) {
    case 'heading':
      return <h3 key={key}>{block.text}</h3>
    case 'question':
      return <h4 key={key}>{inlineElements(block.text, links)}</h4>
    case 'paragraph':
      return <p key={key}>{inlineElements(block.text, links)}</p>
    case 'quote':
      return <blockquote key={key}>{block.blocks.map((inner, i) => blockElement(inner, i, links))}</blockquote>
    case 'list': {
      const items = block.items.map((item) => <li key={item}>{inlineElements(item, links)}</li>)
      return block.isOrdered ? <ol key={key}>{items}</ol> : <ul key={key}>{items}</ul>
    }
    case 'table':
      return (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard (WCAG 2.1.1)
        <section key={key} class="table" aria-label="Table" tabIndex={0}>
          <table>
            <tbody>
              {block.rows.map((row) => (
                <tr key={row.join()}>
                  {row.map((cell) => (
                    <td key={cell}>{inlineElements(cell, links)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )
  }
}

function inlineElements(text: string, links: LinkProps): ComponentChildren {
  return inlinesOf(text).map((part, i) => inlineElement(part, `${i}`, links))
}

function inlineElement(part: Inline, key: string, { onLink, onMessage }: LinkProps): ComponentChildren {
  switch (part.kind) {
    case 'text':
      return part.text
    case 'image':
      return (
        <span key={key} class="image">
          Image: {part.text || 'not described'}
        </span>
      )
    case 'link':
      return <ExternalLink key={key} url={part.url} onLink={onLink} />
    case 'message':
      if (onMessage === undefined) return part.id
      return (
        <button type="button" key={key} class="link" onClick={() => onMessage(part.id)}>
          {part.id}
        </button>
      )
  }
}

interface ExternalLinkProps extends Pick<LinkProps, 'onLink'> {
  readonly url: string
  readonly children?: ComponentChildren
  readonly class?: string
}

/** A link that the host opens: in its sandbox the view itself leads nowhere. */
export function ExternalLink({ url, onLink, children, ...props }: ExternalLinkProps) {
  const open = (event: Event) => {
    event.preventDefault()
    onLink(url)
  }
  return (
    <a href={url} rel="noreferrer" title={url} onClick={open} {...props}>
      {children ?? shownUrl(url)}
      <Glyph name="external" />
    </a>
  )
}
