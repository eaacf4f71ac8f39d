"""One file a spider: which requests to make. What is in a page is the parsers' business."""
