import { invalidArgument } from '../../lib/invalid-argument.ts'
import type { Post } from './post.ts'
import { isNameIn, isWordOf, type Searchable, searchable, termsOf } from './search.ts'

/** Shorter names are whole words only: "BI" is no part of "Mobility". */
const shortestPart = 3

/**
 * Whether a post is about a product: by its services, or by its title, since Graph files many products under the services
 * of others.
 *
 * @throws {Failure} `invalid_input` for what names none
 */
export function productTest(argument: string, name: string): (post: Post) => boolean {
  if (termsOf(name).length === 0) throw invalidArgument(argument, 'names of products')
  const tests = productNames(name).map((sought) => {
    const isNamedBy = (service: Searchable) =>
      sought.length < shortestPart ? isWordOf(service, sought) : service.includes(sought)
    return ({ services, title, message }: Post) =>
      services.some(isNamedBy) || (title.includes(sought) && isNameIn(message.title ?? '', sought))
  })
  return (post) => tests.some((isAbout) => isAbout(post))
}

/** Services whose names in Graph do not contain what people call them. */
const serviceNames: ReadonlyMap<string, readonly string[]> = new Map([
  ['microsoft 365 copilot', ['microsoft copilot (microsoft 365)']],
  ['copilot for microsoft 365', ['microsoft copilot (microsoft 365)', 'microsoft 365 copilot']],
  ['entra id', ['microsoft entra']],
  ['azure ad', ['microsoft entra']],
  ['azure active directory', ['microsoft entra']],
])

/**
 * What posts may call a product: Microsoft SharePoint is SharePoint Online in services, and M365 is Microsoft 365. By
 * itself, 365 says nothing.
 */
function productNames(name: string): Searchable[] {
  const bare = searchable(name.trim()).replace(/^(?:microsoft|ms) (?!365\b)(?=\S{3})/, '')
  const full = bare.replace(/\b(?:m|ms )365\b/, 'microsoft 365')
  return [...new Set([bare, full, ...(serviceNames.get(full) ?? [])])] as Searchable[]
}
