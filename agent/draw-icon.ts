import { chromium } from 'playwright-core'
import { chromiumPath } from '../scripts/shared/chromium.ts'

/**
 * Renders an SVG as a square PNG with Debian's Chromium, with a transparent background.
 *
 * @param px width and height
 */
export async function drawIcon(svg: string, px: number): Promise<Uint8Array> {
  const browser = await chromium.launch({
    executablePath: chromiumPath,
    args: ['--no-sandbox', '--disable-gpu', '--force-color-profile=srgb'],
  })
  try {
    const page = await browser.newPage({ viewport: { width: px, height: px } })
    const source = `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`
    await page.setContent(
      `<style>*{margin:0}img{display:block}</style><img width="${px}" height="${px}" src="${source}">`,
    )
    return await page.screenshot({ omitBackground: true })
  } finally {
    await browser.close()
  }
}
