import type { ReactNode } from 'react'
import classes from './data-table.module.css'
import { StableBody } from './stable-body.tsx'

export type Column<Row> = {
  key: string
  header: ReactNode
  cell: (row: Row) => ReactNode
  /** Figures stand right. */
  align?: 'right'
  /** Left out on screens narrower than sm (640 px), md (960 px) or lg (1280 px). */
  hideBelow?: 'sm' | 'md' | 'lg'
  /** Takes the width that is left. */
  grow?: boolean
  width?: number
}

/**
 * A table with a caption for screen readers. The first column names the row. Rows keep their place while the
 * pointer is over them; figures in them go on changing.
 */
export function DataTable<Row>({
  caption,
  columns,
  rows,
  rowKey,
  rowTone,
  maxHeight,
  empty,
}: {
  caption: string
  columns: Column<Row>[]
  rows: Row[]
  rowKey: (row: Row) => string
  rowTone?: (row: Row) => 'warn' | 'harm' | undefined
  /** In pixels; a longer table scrolls under its header. */
  maxHeight?: number
  /** In place of the table where there are no rows. */
  empty?: ReactNode
}) {
  if (rows.length === 0 && empty !== undefined) return <>{empty}</>
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className={classes.scroll} tabIndex={0} aria-label={caption} style={{ maxHeight }}>
      <table className={classes.table}>
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.key} scope="col" {...cellProps(column)}>
                {column.header}
              </th>
            ))}
          </tr>
        </thead>
        <StableBody
          rows={rows.map((row) => ({
            id: rowKey(row),
            content: (
              <tr key={rowKey(row)} data-tone={rowTone?.(row)}>
                {columns.map((column, index) =>
                  index === 0 ? (
                    <th key={column.key} scope="row" {...cellProps(column)}>
                      {column.cell(row)}
                    </th>
                  ) : (
                    <td key={column.key} {...cellProps(column)}>
                      {column.cell(row)}
                    </td>
                  ),
                )}
              </tr>
            ),
          }))}
        />
      </table>
    </section>
  )
}

function cellProps<Row>(column: Column<Row>) {
  return {
    'data-align': column.align,
    'data-hide-below': column.hideBelow,
    'data-grow': column.grow || undefined,
    style: column.width === undefined ? undefined : { width: column.width },
  }
}
