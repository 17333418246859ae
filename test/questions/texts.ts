import { eventually, toolCall } from '../helper.ts'
import { post } from '../security/harness.ts'

/** A busy machine does not render all texts in the time of one question. Its answer says so, and the next one goes on. */
export async function untilTextsAreRead(origin: string, token: string): Promise<void> {
  await eventually(async () => {
    const { body } = await post(origin, toolCall('getMessages', { search: 'microsoft', top: 0 }), token)
    return body.result?.structuredContent?.['note'] === undefined
  }, 60_000)
}
