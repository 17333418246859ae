/** What a platform asks to know whether this server lives, and whether it can serve. */
export const probePaths: ReadonlySet<string> = new Set(['/healthz', '/readyz'])
