/** The application id of Microsoft Graph, the same in every tenant. */
export const graphAppId = '00000003-0000-0000-c000-000000000000'
/** Microsoft Graph Command Line Tools, likewise: the public client for device codes. */
export const graphCommandLineTools = '14d82eec-204b-4c2f-b7e8-296a70dab67e'

export type Query = Readonly<Record<string, string>>

/** Quoted for `$filter`. */
export function odataText(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}

/** With `%20` for a space: `+` is one in forms only (OData, "URL Conventions", section 2). */
export function withQuery(path: string, query: Query): string {
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`
}
