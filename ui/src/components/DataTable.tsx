/**
 * Rows of any number, of which only those in sight are drawn: TanStack Table for columns and cells, TanStack Virtual
 * for the window. `j`/`k` move, `Enter` opens, `x` selects. Rows may be still on their way (`rowAt` answers undefined).
 */
import {
  type Cell,
  type Column,
  type ColumnDef,
  type ColumnSizingState,
  type Row,
  type RowData,
  flexRender,
  getCoreRowModel,
  useReactTable,
} from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp } from "lucide-react";
import { Fragment, type KeyboardEvent, type ReactNode, memo, useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "react";

import { classes } from "~/lib/classes";
import { useKeys } from "~/lib/keys";
import { useStored } from "~/lib/stored";

import css from "./DataTable.module.css";

declare module "@tanstack/react-table" {
  interface ColumnMeta<TData extends RowData, TValue> {
    /** The widest column takes what is left. */
    grow?: boolean;
    align?: "end";
    /** The server's word for this order; a head with one can be pressed. */
    sort?: string;
    /** Its first order is the descending one: newest first. */
    newest?: boolean;
    /** It stays at the right end of the window when the table is wider; what it opens belongs to its row alone. */
    stays?: boolean;
    /** What is said of the column on hover. */
    title?: string;
  }
}

export type Columns<T> = ColumnDef<T, unknown>[];

type Props<T> = {
  /** Names what this browser remembers of the table: widths. */
  name: string;
  label: string;
  columns: Columns<T>;
  count: number;
  rowAt: (index: number) => T | undefined;
  rowId: (row: T) => string;
  onOpen?: (row: T, event?: { metaKey?: boolean; ctrlKey?: boolean }) => void;
  /** The row whose page is shown beside the table. */
  current?: string | null;
  selection?: { has: (id: string) => boolean; toggle: (row: T, range: boolean, index: number) => void };
  /** The present order: `seconds`, or `-seconds` for the other way. */
  sort?: string;
  onSort?: (sort: string) => void;
  /** The rows in sight, told when they change: fetch what is missing. */
  onVisible?: (first: number, last: number) => void;
  rowHeight?: number;
  empty?: ReactNode;
  /** Whether the keys of the table work; one table of a page has them. */
  keys?: boolean;
  className?: string;
};

export function DataTable<T>(props: Props<T>) {
  const { name, label, columns, count, rowAt, rowId, onOpen, current, selection, sort, onSort, onVisible } = props;
  const { rowHeight = 32, empty, keys = true } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const own = useId();
  const [active, setActive] = useState(-1);
  const [sizes, setSizes] = useStored<ColumnSizingState>(`table.${name}`, NO_SIZES);

  const virtual = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: OVERSCAN,
    // The sticky head covers the first row's height.
    scrollPaddingStart: 30,
  });
  const items = virtual.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? -1;
  const most = useRef(0);
  const places = (most.current = Math.max(most.current, items.length));

  useEffect(() => {
    if (last >= first) onVisible?.(first, last);
  }, [first, last, onVisible]);

  // What had the focus in a row that went out of sight must not be pressed in the row that took its place.
  const focused = useRef<string | null>(null);
  useLayoutEffect(() => {
    const row = focused.current === null ? null : document.activeElement?.closest("[role=row]");
    if (row && scroller.current?.contains(row) && row.getAttribute("aria-rowindex") !== focused.current) scroller.current.focus({ preventScroll: true });
  }, [first, last]);

  const inSight = useMemo(() => {
    const rows: { row: T; index: number }[] = [];
    for (let index = first; index <= last; index++) {
      const row = rowAt(index);
      if (row !== undefined) rows.push({ row, index });
    }
    return rows;
  }, [first, last, rowAt]);

  const data = useMemo(() => inSight.map(({ row }) => row), [inSight]);
  const table = useReactTable({
    data,
    columns,
    getCoreRowModel: getCoreRowModel(),
    getRowId: rowId,
    manualSorting: true,
    columnResizeMode: "onChange",
    state: { columnSizing: sizes },
    onColumnSizingChange: (change) => setSizes(typeof change === "function" ? change(sizes) : change),
  });
  const modelRows = table.getRowModel().rows;
  const byIndex = new Map(inSight.map(({ index }, at) => [index, modelRows[at]]));

  const leaves = table.getVisibleLeafColumns();
  const template = leaves
    .map((column) => {
      const width = column.getSize();
      return column.columnDef.meta?.grow && sizes[column.id] === undefined ? `minmax(${width}px, 1fr)` : `${width}px`;
    })
    .join(" ");
  const width = leaves.reduce((sum, column) => sum + column.getSize(), 0);

  const move = useCallback(
    (to: number) => {
      if (count === 0) return;
      const next = Math.max(0, Math.min(count - 1, to));
      setActive(next);
      virtual.scrollToIndex(next, { align: "auto" });
    },
    [count, virtual],
  );
  const openAt = useCallback(
    (index: number, event?: { metaKey?: boolean; ctrlKey?: boolean }) => {
      const row = rowAt(index);
      if (row !== undefined) onOpen?.(row, event);
    },
    [rowAt, onOpen],
  );
  const toggleAt = useCallback(
    (index: number, range: boolean) => {
      const row = rowAt(index);
      if (row !== undefined) selection?.toggle(row, range, index);
    },
    [rowAt, selection],
  );

  useKeys(
    label,
    [
      { keys: "j", does: "next row", run: () => move(active + 1) },
      { keys: "k", does: "previous row", run: () => move(active - 1) },
      ...(onOpen ? [{ keys: "Enter", does: "open the row", run: () => openAt(active) }] : []),
      ...(selection ? [{ keys: "x", does: "select the row", run: () => toggleAt(active, false) }] : []),
    ],
    keys,
  );

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / rowHeight) - 2);
    const to = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + page,
      PageUp: active - page,
      Home: 0,
      End: count - 1,
    }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      move(to);
    } else if (event.key === " " && selection) {
      event.preventDefault();
      toggleAt(active, event.shiftKey);
    }
  };

  if (count === 0 && empty) return <div className={css.nothing}>{empty}</div>;
  return (
    <div
      ref={scroller}
      className={classes(css.scroller, props.className)}
      role="grid"
      aria-label={label}
      aria-rowcount={count + 1}
      aria-colcount={leaves.length}
      aria-multiselectable={selection ? true : undefined}
      aria-activedescendant={active >= first && active <= last ? `${own}-${active}` : undefined}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onFocus={(event) => (focused.current = event.target.closest("[role=row]")?.getAttribute("aria-rowindex") ?? null)}
    >
      <div className={css.body} style={{ minWidth: width }} role="presentation">
        <div className={css.head} role="rowgroup">
          <div className={css.row} role="row" aria-rowindex={1} style={{ gridTemplateColumns: template }}>
            {table.getFlatHeaders().map((header) => {
              const meta = header.column.columnDef.meta;
              const by = meta?.sort;
              const own = by !== undefined && sort === by;
              const other = by !== undefined && sort === `-${by}`;
              const order = own || other ? (own === (meta?.newest ?? false) ? "down" : "up") : undefined;
              const words = flexRender(header.column.columnDef.header, header.getContext());
              return (
                <div
                  key={header.id}
                  className={classes(css.cell, meta?.align === "end" && css.end, meta?.stays && css.stays)}
                  role="columnheader"
                  aria-sort={order === "up" ? "ascending" : order === "down" ? "descending" : undefined}
                  title={meta?.title}
                >
                  {by !== undefined && onSort ? (
                    <button type="button" className={css.sort} onClick={() => onSort(own ? `-${by}` : by)}>
                      {words}
                      {order === "up" && <ArrowUp size={11} aria-hidden="true" />}
                      {order === "down" && <ArrowDown size={11} aria-hidden="true" />}
                    </button>
                  ) : (
                    words
                  )}
                  {header.column.getCanResize() && (
                    <span
                      className={css.resize}
                      onMouseDown={header.getResizeHandler()}
                      onTouchStart={header.getResizeHandler()}
                      onDoubleClick={() => header.column.resetSize()}
                      aria-hidden="true"
                    />
                  )}
                </div>
              );
            })}
          </div>
        </div>
        <div role="rowgroup" className={css.rows} style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const row = byIndex.get(item.index);
            const id = row?.id ?? "";
            return (
              <TableRow
                // A row that went out of sight becomes the one that came into it: its elements stay, their words change.
                key={item.index % places}
                id={`${own}-${item.index}`}
                index={item.index}
                top={item.start}
                height={rowHeight}
                template={template}
                columns={leaves as Column<unknown>[]}
                row={row as Row<unknown> | undefined}
                original={row?.original}
                active={item.index === active}
                current={current != null && id === current}
                selected={selection ? row !== undefined && selection.has(id) : undefined}
                onPress={(event) => {
                  // A menu that a cell opened is elsewhere on the page, and its clicks still come by here.
                  if (!event.currentTarget.contains(event.target as globalThis.Node)) return;
                  setActive(item.index);
                  if (event.target instanceof Element && event.target.closest("a,button,input,label")) return;
                  if (window.getSelection()?.toString()) return;
                  openAt(item.index, event);
                }}
                openable={onOpen !== undefined}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

/** What a cell shows; called, not made a component of its own: hundreds come into sight with each frame of scrolling. */
function shown(cell: Cell<unknown, unknown>): ReactNode {
  const { cell: show, meta } = cell.column.columnDef;
  const words = typeof show === "function" ? show(cell.getContext()) : show;
  return meta?.stays ? <Fragment key={cell.row.id}>{words}</Fragment> : words;
}

function cellClass(column: Column<unknown>): string {
  const { meta } = column.columnDef;
  return classes(css.cell, meta?.align === "end" && css.end, meta?.stays && css.stays);
}

const NO_SIZES: ColumnSizingState = {};
const OVERSCAN = 4;

type RowProps = {
  id: string;
  index: number;
  top: number;
  height: number;
  template: string;
  columns: Column<unknown>[];
  row: Row<unknown> | undefined;
  original: unknown;
  active: boolean;
  current: boolean;
  selected: boolean | undefined;
  openable: boolean;
  onPress: (event: React.MouseEvent) => void;
};

const TableRow = memo(
  function TableRow({ id, index, top, height, template, columns, row, active, current, selected, openable, onPress }: RowProps) {
    const cells = row?.getVisibleCells() ?? [];
    return (
      <div
        id={id}
        role="row"
        aria-rowindex={index + 2}
        aria-selected={selected ?? (current || undefined)}
        className={classes(css.row, css.item, openable && css.openable, active && css.active, (current || selected) && css.current)}
        style={{ top, height, gridTemplateColumns: template }}
        onClick={onPress}
      >
        {columns.map((column, at) => {
          const cell = cells[at];
          // Keyed by the column: the elements stay when another row comes into this place, or what it holds arrives.
          return (
            <div key={column.id} role="gridcell" className={cellClass(column)}>
              {cell ? shown(cell) : at === 0 && <span className={css.coming} aria-label="loading" role="img" />}
            </div>
          );
        })}
      </div>
    );
  },
  (before, after) =>
    before.index === after.index &&
    before.top === after.top &&
    before.original === after.original &&
    before.template === after.template &&
    before.columns === after.columns &&
    before.active === after.active &&
    before.current === after.current &&
    before.selected === after.selected,
);
