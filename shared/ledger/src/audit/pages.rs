//! Reading the whole table, page by page.

use aws_sdk_dynamodb::operation::scan::builders::ScanInputBuilder;

use crate::{
    Error, Ledger,
    backoff::persist,
    error::{Failure, classify},
    items::Item,
};

/// A part of the table: several are read at once. The items of one partition are in one segment, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Which one, from 0.
    pub number: u16,
    /// How many there are.
    pub total: u16,
}

/// Where a page begins.
#[derive(Debug, Clone)]
pub struct PageCursor(Item);

impl Ledger {
    /// A page of a segment's items, each as it is when it is read; and where the next page begins, `None` after the last.
    ///
    /// # Errors
    /// [`Error::TryAgain`] if throttling or faults outlast the attempts, [`Error::Internal`].
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
