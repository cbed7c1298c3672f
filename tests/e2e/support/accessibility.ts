import AxeBuilder from '@axe-core/playwright'
import type { Page } from 'playwright/test'

/**
 * What axe finds, with the elements. Its "legacy mode" looks at the page alone, without a second one that all results
 * pass through, in a third of the time. @throws Error for a page with frames, which it would leave out
 */
export async function findViolations(page: Page): Promise<{ id: string; at: string[] }[]> {
  if (page.frames().length > 1) throw new Error('The page has frames: they would not be looked at.')
  const { violations } = await new AxeBuilder({ page })
    .setLegacyMode(true)
    .options({ resultTypes: ['violations'] })
    .analyze()
  return violations.map(({ id, nodes }) => ({ id, at: nodes.map((node) => node.html) }))
}
