/** Longer addresses carry data, and lead nowhere that a reader knows. */
const maxHrefChars = 2_000
const roadmapAddress = /\bhttps?:\/\/[^\s"'<>[\]]{1,200}roadmap\/?[?#][^\s"'<>[\]]*/gi
const roadmapPages = [
  /^(?:www\.)?microsoft\.com(?:\/[a-z-]{2,10})?\/microsoft-365\/roadmap\/?$/i,
  /^(?:products|www)\.office\.com(?:\/[a-z-]{2,10})?\/(?:business\/)?office-365-roadmap\/?$/i,
]

/**
 * Where a link leads, as far as a reader can follow it: web, mail and telephone. Others are not passed on: `javascript:`
 * and `data:` do something else, and relative ones have lost what they were relative to.
 */
export function shownAddress(href: string): string | undefined {
  const trimmed = href.replaceAll(/\p{Cc}/gu, '').trim()
  const address = (trimmed.startsWith('//') ? `https:${trimmed}` : trimmed).replaceAll(/\s/gu, '%20')
  if (address.length > maxHrefChars) return undefined
  if (/^(?:mailto|tel):./i.test(address)) return address.slice(address.indexOf(':') + 1)
  return /^https?:\/\/./i.test(address) ? address : undefined
}

/** Whether a text says as much as the address. */
export function isSameAddress(text: string, address: string): boolean {
  return bare(text) === bare(address)
}

function bare(address: string): string {
  return address
    .replaceAll(/\s|%20/g, '')
    .replace(/^(?:https?:\/\/|mailto:|tel:)/i, '')
    .replace(/\/$/, '')
    .toLowerCase()
}

/**
 * The ids that a link to the Microsoft 365 roadmap names, as posts spell it: `?id=1`, `?searchterms=1`, `?featureid=1`,
 * with a locale or without, several ids, escaped once too often. Empty where it is another link, or names none.
 */
export function roadmapIdsOf(address: string): string[] {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || !roadmapPages.some((page) => page.test(`${url.hostname}${url.pathname}`))) return []
  const named = decoded(`${url.search}${url.hash}`).matchAll(
    /(?:[?&;#])(?:amp;)*(?:id|ids|searchterms?|feature_?ids?)=((?:\d{3,10}[\s,;+|]*)+)/gi,
  )
  return [...new Set([...named].flatMap(([, ids = '']) => ids.match(/\d+/g) ?? []))]
}

/** Percent-decoded twice: some of them are, and an address that is not stays as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(decodeURIComponent(text))
  } catch {
    return text
  }
}

const roadmapIdsInText =
  /\broadmap(?: feature| item)?(?: ids?)?(?:\(s\))?[:#\s([]{0,4}(\d{5,7}\b(?:(?:\s?[,;/&|]| and|, and)\s?\d{5,7}\b)*)/gi

/** The ids that a text names: "associated with Microsoft 365 Roadmap ID 478611". */
export function roadmapIdsIn(text: string): string[] {
  return [...text.matchAll(roadmapIdsInText)].flatMap(([, ids = '']) => ids.match(/\d+/g) ?? [])
}

/** A text whose bare addresses of roadmap items are their ids. */
export function withRoadmapIds(text: string): string {
  return text.replaceAll(roadmapAddress, (address) => {
    const ids = roadmapIdsOf(address.replace(/[.,;:!?)]+$/, ''))
    return ids.length === 0 ? address : ids.join(', ') + (/[.,;:!?)]+$/.exec(address)?.[0] ?? '')
  })
}
