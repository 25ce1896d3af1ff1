//! Reads the whole table, page by page.

use aws_sdk_dynamodb::operation::scan::builders::ScanInputBuilder;

use crate::{
    Error, Ledger,
    backoff::persist,
    error::{Failure, classify},
    items::Item,
};

/// A part of the table. Several segments are read in parallel. All items of a partition are in one segment, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// The segment's number, from 0.
    pub number: u16,
    /// The number of segments.
    pub total: u16,
}

/// The start of a page.
#[derive(Debug, Clone)]
pub struct PageCursor(Item);

impl Ledger {
    /// Reads a page of a segment. Items may be of different moments. The cursor is the start of the next page; `None`
    /// after the last.
    ///
    /// # Errors
    /// [`Error::TryAgain`] if throttling or faults outlast the attempts, [`Error::Internal`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use scrip_ledger::audit::{Auditor, Order, Segment};
    ///
    /// # async fn example(ledger: scrip_ledger::Ledger) -> Result<(), Box<dyn std::error::Error>> {
    /// let (mut auditor, mut from) = (Auditor::new(Order::Sorted), None);
    /// loop {
    ///     let (items, next) = ledger.read_segment(Segment { number: 0, total: 1 }, from).await?;
    ///     items.into_iter().for_each(|item| auditor.take(item));
    ///     from = next;
    ///     if from.is_none() {
    ///         break;
    ///     }
    /// }
    /// println!("{} findings", auditor.finish()?.findings.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn read_segment(
        &self,
        segment: Segment,
        from: Option<PageCursor>,
    ) -> Result<(Vec<Item>, Option<PageCursor>), Error> {
        let start = from.map(|cursor| cursor.0);
        persist(|| self.segment_page(segment, start.clone())).await
    }

    async fn segment_page(
        &self,
        segment: Segment,
        start: Option<Item>,
    ) -> Result<(Vec<Item>, Option<PageCursor>), Failure> {
        let scan = ScanInputBuilder::default()
            .segment(segment.number.into())
            .total_segments(segment.total.into())
            .set_exclusive_start_key(start);
        let answer = self.scan_table(scan).await.map_err(|error| classify("read the table", error))?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key.map(PageCursor)))
    }
}
