"""Reads a delivery report with Python's email package and prints what it found, as JSON."""

import email
import email.policy
import json
import sys


def defects(message):
    found = [f"{message.get_content_type()}: {defect!r}" for defect in message.defects]
    if message.is_multipart():
        for part in message.get_payload():
            found += defects(part)
    return found


def main():
    with open(sys.argv[1], "rb") as file:
        report = email.message_from_binary_file(file, policy=email.policy.SMTP)
    text, status, returned = report.get_payload()
    fields = []
    if status.is_multipart():  # message/delivery-status: a block of fields each
        fields = [{name: str(value) for name, value in block.items()} for block in status.get_payload()]
    original = (
        returned.get_payload()[0].as_string() if returned.is_multipart() else returned.get_payload(decode=True)
    )
    if isinstance(original, bytes):
        original = original.decode("utf-8", "replace")
    print(
        json.dumps(
            {
                "type": report.get_content_type(),
                "report_type": report.get_param("report-type"),
                "auto_submitted": str(report["Auto-Submitted"]),
                "to": str(report["To"]),
                "parts": [part.get_content_type() for part in report.get_payload()],
                "text": text.get_payload(),
                "message_fields": fields[0] if fields else {},
                "recipient_fields": fields[1:],
                "returned": original.replace("\r\n", "\n"),
                "defects": defects(report),
            }
        )
    )


main()
